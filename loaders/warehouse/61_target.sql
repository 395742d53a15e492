-- Grain: one row per target of the settings: a metric and what it is for. An empty store_key stands for all stores; a
-- person, source or month (its first day) that is absent stands for all of them.
create table target as
with
people as (
    select store_key, staff_key(name) as staff_key, min(person_key) as person_key
    from dim_person
    group by all
    having count(*) = 1
),
told as (
    select *, key3(store, '', '') as store_key, staff_key(person) as staff_key from setting_target
)
select
    coalesce(t.store_key, '') as store_key,
    p.person_key,
    t.person,
    t.source,
    t.month,
    t.metric,
    t.value
from told as t
left join people as p on p.store_key = t.store_key and p.staff_key = t.staff_key
order by t.metric, 1, t.person, t.source, t.month;
