-- Grain: one row per target of the settings: a metric and what it is for. An empty store_key stands for all stores; a
-- person, source or month (its first day) that is absent stands for all of them.
create table target as
with
people as (
    select store_key, staff_key(name) as staff_key, min(person_key) as person_key
    from dim_person
    group by all
    having count(*) = 1
)
select
    case when t.store is null then '' else key3(t.store, '', '') end as store_key,
    p.person_key,
    t.person,
    t.source,
    t.month,
    t.metric,
    t.value
from setting_target as t
left join people as p on p.store_key = key3(t.store, '', '') and p.staff_key = staff_key(t.person)
order by t.metric, 1, t.person, t.source, t.month;
