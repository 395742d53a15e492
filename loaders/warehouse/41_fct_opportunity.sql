-- Grain: one row per buying episode of one customer at one store (an accumulating snapshot).
create table fct_opportunity as
with
last_day as (
    select max(day) as last_day from dim_date
),
reached as (
    select
        o.opportunity_key,
        o.store_key,
        o.time_zone,
        o.customer_key,
        o.source_key,
        o.lead_type,
        o.vehicle_condition,
        coalesce(m.salesperson_key, 'unassigned') as salesperson_key,
        coalesce(m.bdc_agent_key, 'unassigned') as bdc_agent_key,
        coalesce(a.setter_key, 'unassigned') as setter_key,
        coalesce(t.responder_key, 'unassigned') as responder_key,
        o.created_at,
        o.created_at_is_date,
        o.created_on,
        o.created_by,
        o.is_sales_lead and not m.is_duplicate as is_eligible,
        o.lead_type not in ('phone', 'walk_in') as needs_answer,
        case when s.has_contact_log then t.first_attempt_at else m.crm_first_attempt_at end as first_attempt_at,
        case when s.has_contact_log then t.first_any_response_at else m.crm_first_attempt_at end
            as first_any_response_at,
        t.first_automated_at,
        t.first_reply_at,
        t.last_customer_message_at,
        t.last_spoken_at,
        t.attempt_count,
        t.attempt_count_1d,
        t.attempt_count_3d,
        t.attempt_count_10d,
        t.attempt_days_10d,
        t.follow_up_count,
        t.is_multi_channel,
        s.has_contact_log,
        least(
            t.answered_call_at,
            t.visited_at,
            v.visited_at,
            a.shown_at,
            case
                when t.customer_message_at is not null and t.person_message_at is not null
                    then greatest(t.customer_message_at, t.person_message_at)
            end,
            case when not s.has_contact_log then m.crm_first_contact_at end
        ) as contacted_at,
        a.opportunity_key is not null as is_appointment_set,
        a.appointment_set_at,
        a.appointment_due_at,
        a.appointment_confirmed_at,
        a.shown_at,
        least(t.visited_at, v.visited_at, a.shown_at) as visited_at,
        d.sold_at,
        d.sold_at_is_date,
        d.sold_on,
        d.delivered_at,
        m.is_lost,
        m.is_bad,
        m.is_duplicate,
        m.lead_count,
        s.response_standard_seconds,
        o.lead_id,
        o.system,
        o.source_file,
        o.source_line
    from stg_opportunity as o
    join dim_store as s using (store_key)
    join stg_lead_milestone as m using (opportunity_key)
    left join stg_touch as t using (opportunity_key)
    left join stg_appointment_milestone as a using (opportunity_key)
    left join stg_visit_milestone as v using (opportunity_key)
    left join stg_sale_milestone as d using (opportunity_key)
),
-- A join on a plain column costs less to plan than one on what it is made of.
dated as (
    select
        r.*,
        cast(timezone(r.time_zone, r.first_attempt_at) as date) as first_attempt_on,
        cast(timezone(r.time_zone, r.first_any_response_at) as date) as first_any_response_on,
        least(r.created_on, l.last_day) as created_day,
        least(first_attempt_on, l.last_day) as attempt_day,
        least(first_any_response_on, l.last_day) as response_day,
        b.follow_up_seconds,
        b.follow_up_attempts
    from reached as r
    cross join last_day as l
    cross join build as b
),
opened as (
    select
        r.*,
        open_seconds(r.created_at, c.opens_at, c.closes_at, c.open_seconds_before) as created_open_seconds,
        r.created_at >= c.opens_at and r.created_at < c.closes_at as is_in_hours,
        open_seconds(r.first_attempt_at, f.opens_at, f.closes_at, f.open_seconds_before) as attempt_open_seconds,
        open_seconds(r.first_any_response_at, a.opens_at, a.closes_at, a.open_seconds_before) as response_open_seconds
    from dated as r
    left join dim_date as c on c.store_key = r.store_key and c.day = r.created_day
    left join dim_date as f on f.store_key = r.store_key and f.day = r.attempt_day
    left join dim_date as a on a.store_key = r.store_key and a.day = r.response_day
),
final as (
    select
        opportunity_key,
        opened.store_key,
        customer_key,
        opened.source_key,
        lead_type,
        vehicle_condition,
        salesperson_key,
        bdc_agent_key,
        setter_key,
        responder_key,
        created_at,
        created_on,
        created_by,
        is_eligible,
        needs_answer,
        first_attempt_at is not null as is_attempted,
        first_attempt_at,
        first_any_response_at is not null as is_responded,
        first_any_response_at,
        -- Follow-up is known only where touches are logged.
        has_contact_log,
        case when has_contact_log then coalesce(attempt_count, 0) end as attempt_count,
        case when has_contact_log then coalesce(attempt_count_1d, 0) end as attempt_count_1d,
        case when has_contact_log then coalesce(attempt_count_3d, 0) end as attempt_count_3d,
        case when has_contact_log then coalesce(attempt_count_10d, 0) end as attempt_count_10d,
        case when has_contact_log then coalesce(attempt_days_10d, 0) end as attempt_days_10d,
        has_contact_log as is_watched_1d,
        created_by + interval '86400 seconds' as watched_1d_at,
        has_contact_log as is_watched_3d,
        created_by + interval '259200 seconds' as watched_3d_at,
        has_contact_log as is_watched_10d,
        created_by + interval '864000 seconds' as watched_10d_at,
        has_contact_log and coalesce(is_multi_channel, false) as is_multi_channel,
        has_contact_log and coalesce(attempt_count, 0) <= 1 as is_barely_tried,
        has_contact_log as is_follow_up_due,
        created_by + to_seconds(follow_up_seconds) as follow_up_due_at,
        has_contact_log and (
            coalesce(follow_up_count, 0) >= follow_up_attempts
            or coalesce(epoch(contacted_at) - epoch(created_at) < follow_up_seconds, false)
        ) as is_follow_up_met,
        first_automated_at is not null and first_attempt_at is null and has_contact_log as is_machine_only,
        coalesce(first_automated_at <= coalesce(first_attempt_at, first_automated_at), false) as is_automated_first,
        first_automated_at,
        first_reply_at is not null as is_replied,
        first_reply_at,
        last_customer_message_at is not null as is_written_to_us,
        last_customer_message_at,
        coalesce(last_spoken_at >= last_customer_message_at, false) as is_message_answered,
        case when last_spoken_at >= last_customer_message_at then last_spoken_at end as message_answered_at,
        contacted_at is not null as is_contacted,
        contacted_at,
        is_appointment_set,
        appointment_set_at,
        appointment_due_at,
        appointment_confirmed_at,
        shown_at is not null as is_shown,
        shown_at,
        cast(timezone(time_zone, shown_at) as date) as shown_on,
        visited_at,
        sold_at is not null as is_sold,
        sold_at,
        delivered_at,
        is_lost,
        is_bad,
        is_duplicate,
        seconds_between(
            created_at, sold_at, created_on, sold_on, created_at_is_date or sold_at_is_date
        ) as seconds_to_sold,
        seconds_between(
            created_at, first_attempt_at, created_on, first_attempt_on, created_at_is_date
        ) as seconds_to_first_attempt,
        seconds_between(
            created_at, contacted_at, created_on, cast(timezone(time_zone, contacted_at) as date), created_at_is_date
        ) as seconds_to_contacted,
        seconds_between(
            created_at, appointment_set_at, created_on, cast(timezone(time_zone, appointment_set_at) as date),
            created_at_is_date
        ) as seconds_to_appointment_set,
        seconds_between(
            created_at, shown_at, created_on, cast(timezone(time_zone, shown_at) as date), created_at_is_date
        ) as seconds_to_shown,
        case
            when first_attempt_at >= created_at then attempt_open_seconds - created_open_seconds
        end as open_seconds_to_first_attempt,
        case
            when first_any_response_at >= created_at then response_open_seconds - created_open_seconds
        end as open_seconds_to_first_any_response,
        seconds_between(
            created_at, first_any_response_at, created_on, first_any_response_on, created_at_is_date
        ) as seconds_to_first_any_response,
        seconds_between(
            created_at, first_reply_at, created_on, cast(timezone(time_zone, first_reply_at) as date), created_at_is_date
        ) as seconds_to_first_reply,
        seconds_after(first_automated_at, first_attempt_at) as seconds_to_handover,
        seconds_after(contacted_at, appointment_set_at) as seconds_contacted_to_set,
        seconds_after(appointment_set_at, shown_at) as seconds_set_to_shown,
        seconds_between(
            shown_at, sold_at, cast(timezone(time_zone, shown_at) as date), sold_on, sold_at_is_date
        ) as seconds_shown_to_sold,
        case when is_in_hours then 'in hours' else 'after hours' end as after_hours,
        dayname(created_on) as created_weekday,
        case
            when created_at_is_date then '(not known)'
            else lpad(cast(hour(timezone(time_zone, created_at)) as varchar), 2, '0') || ':00'
        end as created_hour,
        case
            when owner.started_on is null or created_on < owner.started_on then '(not known)'
            when date_sub('month', owner.started_on, created_on) >= 12 then 'after a year'
            else 'month ' || lpad(cast(date_sub('month', owner.started_on, created_on) + 1 as varchar), 2, '0')
        end as tenure,
        case
            when not needs_answer then 'not needed'
            when first_attempt_at is null then 'never'
            when coalesce(open_seconds_to_first_attempt, 0) <= response_standard_seconds then 'in time'
            when open_seconds_to_first_attempt <= 3600 then 'within an hour'
            when open_seconds_to_first_attempt <= 4 * 3600 then 'within four hours'
            else 'later'
        end as answered,
        created_open_seconds,
        response_standard_seconds,
        k.month is not null as has_known_spend,
        lead_count,
        lead_id,
        system,
        source_file,
        source_line
    from opened
    left join dim_person as owner on owner.person_key = opened.salesperson_key
    left join known_spend as k
        on k.store_key = opened.store_key
        and k.source_key = opened.source_key
        and k.month = cast(date_trunc('month', opened.created_on) as date)
)
select * from final order by created_at, opportunity_key;
