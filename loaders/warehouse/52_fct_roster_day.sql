-- Grain: one row per salesperson or BDC agent and day that the store was open, while the person was on the roster; days that are over.
-- Whom the roster gives no first day is on it from the first to the last day that they logged anything. Stores that log contacts.
-- It reads only facts, dimensions and the words for people, all of them whole after a build in part, which runs it last.
create table fct_roster_day as
with
logged_days as (
    select person_key, occurred_on as day from fct_contact where is_human
    union
    select setter_key, set_on from fct_appointment
    union
    select person_key, arrived_on from fct_visit
    union
    select t.person_key, cast(timezone(s.time_zone, t.completed_at) as date)
    from fct_task as t
    join dim_store as s using (store_key)
    union
    select person_key, changed_on from fct_status_change
),
seen as (
    select person_key, min(day) as first_on, max(day) as last_on
    from logged_days
    where day is not null
    group by person_key
),
-- Before a store's log begins nobody can have logged anything.
begun as (
    select store_key, min(occurred_on) as begun_on from fct_contact group by store_key
),
staff as (
    select person_key, store_key, started_on, ended_on
    from dim_person
    where
        role in ('salesperson', 'bdc_agent')
        or (not is_machine and person_key in (select person_key from person_ref where is_new))
),
spans as (
    select
        p.person_key,
        p.store_key,
        greatest(coalesce(p.started_on, n.first_on), b.begun_on) as from_on,
        least(
            coalesce(p.ended_on, case when p.started_on is null then n.last_on end, s.as_of_on), s.as_of_on - 1
        ) as until_on
    from staff as p
    join dim_store as s using (store_key)
    join begun as b using (store_key)
    left join seen as n using (person_key)
    where p.started_on is not null or n.first_on is not null
),
final as (
    select
        p.person_key || ' ' || cast(d.day as varchar) as roster_day_key,
        p.store_key,
        p.person_key,
        d.day,
        l.day is not null as has_logged
    from spans as p
    join dim_date as d on d.store_key = p.store_key and d.day between p.from_on and p.until_on
    left join logged_days as l on l.person_key = p.person_key and l.day = d.day
    where d.opens_at is not null
)
select * from final order by day, roster_day_key;
