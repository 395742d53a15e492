-- Grain: one row per employee of a store, and "(unassigned)".
-- An employee may stand in several lists (a CRM's users, a roster sheet): lists are joined by name where the name is unique in each.
create temp table roster as
with
people as (
    select
        store,
        system,
        person_id,
        coalesce(name, person_id) as name,
        staff_key(coalesce(name, person_id)) as staff_key,
        role,
        team,
        started_on,
        ended_on,
        key3(store, system, person_id) as record_key
    from record_person
),
counted as (
    select *, count(*) over (partition by store, system, staff_key) as namesakes from people
),
final as (
    select
        *,
        first_value(record_key) over (
            partition by store, case when namesakes = 1 then staff_key else record_key end
            order by system, person_id
        ) as person_key
    from counted
)
select * from final;

-- Grain: one row per store, system and word by which a record names a person.
create temp table person_ref as
with
named as (
    select store, system, salesperson as ref from record_lead
    union select store, system, bdc_agent from record_lead
    union select store, system, person from record_contact
    union select store, system, set_by from record_appointment
    union select store, system, salesperson from record_appointment
    union select store, system, person from record_visit
    union select store, system, person from record_task
    union select store, system, person from record_status_change
    union select store, system, salesperson from record_sale
    union select store, system, split_with from record_sale
    union select store, system, person from record_survey
    union select store, system, advisor from record_service_visit
),
by_id as (
    select store, system, person_id as ref, person_key from roster
),
by_name as (
    select store, staff_key, min(person_key) as person_key
    from roster
    group by store, staff_key
    having count(distinct person_key) = 1
),
keyed as (
    select *, staff_key(ref) as staff_key from named where ref is not null
),
final as (
    select
        n.store,
        n.system,
        n.ref,
        coalesce(i.person_key, b.person_key, key3(n.store, 'name', n.staff_key)) as person_key,
        i.person_key is null and b.person_key is null as is_new
    from keyed as n
    left join by_id as i using (store, system, ref)
    left join by_name as b using (store, staff_key)
)
select * from final;

create table dim_person as
with
listed as (
    select
        person_key,
        any_value(store) as store,
        arg_min(name, system) as name,
        coalesce(arg_min(role, system) filter (where role <> 'other'), any_value(role)) as role,
        arg_min(team, system) as team,
        min(started_on) as started_on,
        max(ended_on) as ended_on
    from roster
    group by person_key
),
unlisted as (
    select person_key, any_value(store) as store, min(ref) as name
    from person_ref
    where is_new
    group by person_key
),
people as (
    select * from listed
    union all by name
    select * from unlisted
),
keyed as (
    select *, staff_key(name) as staff_key from people
),
labelled as (
    select
        *,
        count(*) over (partition by staff_key) as namesakes,
        count(*) over (partition by staff_key, store) as namesakes_here,
        row_number() over (partition by staff_key, store order by person_key) as ordinal
    from keyed
),
final as (
    select
        person_key,
        key3(store, '', '') as store_key,
        name
        || case when namesakes > namesakes_here then ' (' || store || ')' else '' end
        || case when namesakes_here > 1 then ' #' || ordinal else '' end as person,
        name,
        coalesce(role, 'other') as role,
        team,
        coalesce(role = 'machine', false) as is_machine,
        started_on,
        ended_on
    from labelled
    union all
    select 'unassigned', '', '(unassigned)', '(unassigned)', 'other', null, false, null, null
)
select * from final order by person, person_key;
