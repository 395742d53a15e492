-- Grain: one row per event that the settings tell of; an empty store_key stands for all stores, no person_key for everybody.
create table annotation as
with
people as (
    select store_key, staff_key(name) as staff_key, min(person_key) as person_key
    from dim_person
    group by all
    having count(*) = 1
),
told as (
    select *, key3(store, '', '') as store_key, staff_key(person) as staff_key from setting_annotation
)
select
    coalesce(a.store_key, '') as store_key,
    p.person_key,
    a.person,
    a.day,
    a.label
from told as a
left join people as p on p.store_key = a.store_key and p.staff_key = a.staff_key
order by a.day, 1, a.person, a.label;
