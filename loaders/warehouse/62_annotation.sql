-- Grain: one row per event that the settings tell of; an empty store_key stands for all stores, no person_key for everybody.
create table annotation as
with
people as (
    select store_key, staff_key(name) as staff_key, min(person_key) as person_key
    from dim_person
    group by all
    having count(*) = 1
)
select
    case when a.store is null then '' else key3(a.store, '', '') end as store_key,
    p.person_key,
    a.person,
    a.day,
    a.label
from setting_annotation as a
left join people as p on p.store_key = key3(a.store, '', '') and p.staff_key = staff_key(a.person)
order by a.day, 1, a.person, a.label;
