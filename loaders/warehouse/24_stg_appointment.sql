-- Grain: one row per appointment record; a reschedule chain is several records.
create temp table stg_appointment as
with
keyed as (
    select
        key3(a.store, a.system, a.appointment_id) as appointment_key,
        case
            when a.rescheduled_to is not null then key3(a.store, a.system, a.rescheduled_to)
        end as moved_to_key,
        s.store_key,
        s.time_zone,
        l.lead_key,
        l.customer_key,
        a.* exclude (outcome),
        -- A time of showing, cancelling or moving says what an outcome left open does not.
        case
            when a.outcome <> 'open' then a.outcome
            when a.shown_at is not null then 'shown'
            when a.cancelled_at is not null then 'cancelled'
            when a.rescheduled_at is not null then 'rescheduled'
            else 'open'
        end as outcome,
        p.person_key as setter_key,
        q.person_key as salesperson_key,
        a.appointment_type in ('sales', 'test_drive') as is_sales_appointment
    from record_appointment as a
    join dim_store as s using (store)
    join stg_link as l
        on l.kind = 'appointment' and l.store = a.store and l.system = a.system and l.id = a.appointment_id
    left join person_ref as p on p.store = a.store and p.system = a.system and p.ref = a.set_by
    left join person_ref as q on q.store = a.store and q.system = a.system and q.ref = a.salesperson
),
moved as (
    select
        k.*,
        coalesce(k.rescheduled_at, next.set_at) as moved_at,
        k.outcome = 'rescheduled' or next.appointment_key is not null as is_moved,
        k.appointment_key in (select moved_to_key from keyed where moved_to_key is not null) as is_moved_from_another
    from keyed as k
    left join keyed as next on next.appointment_key = k.moved_to_key
),
final as (
    select
        * exclude (confirmed_at, is_confirmed, shown_at),
        not is_moved_from_another as is_first_of_chain,
        outcome = 'cancelled' and (cancelled_at is null or cancelled_at < due_at) as is_cancelled_ahead,
        is_moved and outcome <> 'shown' and (moved_at is null or moved_at < due_at) as is_moved_ahead,
        coalesce(confirmed_at < due_at, is_confirmed, false) as is_confirmed,
        confirmed_at,
        outcome = 'shown' as is_shown,
        case when outcome = 'shown' then coalesce(shown_at, due_at) end as shown_at,
        outcome = 'open' and not is_moved as is_unresolved,
        (outcome = 'cancelled' and cancelled_at is null) or (is_moved and moved_at is null) as is_status_without_time
    from moved
)
select * from final;
