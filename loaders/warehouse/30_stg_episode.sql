-- Grain: one row per lead: the buying episode (opportunity) it belongs to.
-- An episode ends with a long silence of customer and staff, or with a counted sale; machines do not keep it alive.
create temp table stg_episode as
with
-- Of touches that follow each other within a third of the silence that ends an episode, the first and the last tell.
touches as (
    select
        store,
        customer_key,
        lead_key,
        min(occurred_at) as first_at,
        max(occurred_at) as last_at
    from stg_contact
    where customer_key is not null and (is_by_customer or (direction = 'out' and is_human))
    group by store, customer_key, lead_key, cast(epoch(occurred_at) as bigint) // (select greatest(1, episode_gap_seconds // 3) from build)
),
activity as (
    select
        customer_key,
        is_sales_lead,
        lead_key,
        time_zone,
        created_at as moment,
        created_at_is_date as is_by_day,
        1 as step,
        false as is_sale
    from stg_lead
    union all
    select t.customer_key, coalesce(l.is_sales_lead, true), null, d.time_zone, unnest([t.first_at, t.last_at]), false, 2, false
    from touches as t
    join dim_store as d using (store)
    left join stg_lead as l using (lead_key)
    union all
    select
        a.customer_key,
        coalesce(l.is_sales_lead, true),
        null,
        a.time_zone,
        unnest([a.set_at, a.shown_at]),
        false,
        2,
        false
    from stg_appointment as a
    left join stg_lead as l using (lead_key)
    where a.customer_key is not null
    union all
    select k.customer_key, coalesce(l.is_sales_lead, true), null, d.time_zone, v.arrived_at, false, 2, false
    from record_visit as v
    join dim_store as d using (store)
    join stg_link as k on k.kind = 'visit' and k.store = v.store and k.system = v.system and k.id = v.visit_id
    left join stg_lead as l on l.lead_key = k.lead_key
    where k.customer_key is not null
    union all
    -- A sale known only by its day happened at the end of that day; a sale never comes before its own lead.
    select
        s.customer_key,
        true,
        null,
        s.time_zone,
        greatest(
            case
                when s.sold_at_is_date then timezone(s.time_zone, cast(s.sold_on + 1 as timestamp)) - interval 1 second
                else s.sold_at
            end,
            l.created_at
        ),
        s.sold_at_is_date,
        3,
        true
    from stg_sale as s
    left join stg_lead as l using (lead_key)
    where s.customer_key is not null and s.is_counted
),
steps as (
    select
        *,
        lag(moment) over customer as moment_before,
        is_by_day or lag(is_by_day) over customer as is_gap_by_day,
        lag(is_sale) over customer as is_sale_before
    from activity
    where moment is not null
    window customer as (partition by customer_key, is_sales_lead order by moment, step, lead_key)
),
silences as (
    select
        *,
        seconds_between(
            moment_before,
            moment,
            cast(timezone(time_zone, moment_before) as date),
            cast(timezone(time_zone, moment) as date),
            is_gap_by_day
        ) as silent_seconds
    from steps
),
numbered as (
    select
        *,
        sum(
            case when is_sale_before or silent_seconds > (select episode_gap_seconds from build) then 1 else 0 end
        ) over (
            partition by customer_key, is_sales_lead order by moment, step, lead_key rows unbounded preceding
        ) as episode
    from silences
),
final as (
    select
        lead_key,
        customer_key,
        first_value(lead_key) over (
            partition by customer_key, is_sales_lead, episode order by moment, lead_key
        ) as first_lead_key
    from numbered
    where lead_key is not null
)
select lead_key, customer_key, first_lead_key, key3('opportunity', first_lead_key, '') as opportunity_key
from final;

-- Grain: one row per episode: its first lead.
create temp table stg_opportunity as
select
    e.opportunity_key,
    l.store_key,
    l.time_zone,
    l.customer_key,
    l.source_key,
    l.lead_type,
    l.vehicle_condition,
    l.created_at,
    l.created_at_is_date,
    l.created_on,
    l.created_by,
    l.is_sales_lead,
    l.lead_id,
    l.system,
    l.source_file,
    l.source_line
from stg_episode as e
join stg_lead as l using (lead_key)
where e.lead_key = e.first_lead_key;

-- Grain: one row per contact without a lead, appointment, visit, task, status move, sale or survey that belongs to an episode.
-- By its lead; else the customer's latest episode at that time; a touch may also precede the first episode by less than the gap.
create temp table stg_event_episode as
with
events as (
    -- The many touches with a lead are of its episode: nobody needs to look them up here.
    select
        'contact' as kind,
        contact_key as event_key,
        lead_key,
        customer_key,
        occurred_at as moment,
        cast(null as date) as sold_on,
        false as is_by_day
    from stg_contact
    where lead_key is null
    union all
    select 'appointment', appointment_key, lead_key, customer_key, coalesce(set_at, due_at), null, false
    from stg_appointment
    union all
    select 'visit', key3(v.store, v.system, v.visit_id), k.lead_key, k.customer_key, v.arrived_at, null, false
    from record_visit as v
    join stg_link as k on k.kind = 'visit' and k.store = v.store and k.system = v.system and k.id = v.visit_id
    union all
    select 'survey', key3(v.store, v.system, v.survey_id), k.lead_key, k.customer_key, v.answered_at, null, false
    from record_survey as v
    join stg_link as k on k.kind = 'survey' and k.store = v.store and k.system = v.system and k.id = v.survey_id
    union all
    select 'task', key3(v.store, v.system, v.task_id), k.lead_key, k.customer_key, v.due_at, null, false
    from record_task as v
    join stg_link as k on k.kind = 'task' and k.store = v.store and k.system = v.system and k.id = v.task_id
    union all
    select
        'status_change',
        key3(v.store, v.system, v.status_change_id),
        k.lead_key,
        k.customer_key,
        v.changed_at,
        null,
        false
    from record_status_change as v
    join stg_link as k
        on k.kind = 'status_change' and k.store = v.store and k.system = v.system and k.id = v.status_change_id
    union all
    select
        'sale',
        sale_key,
        lead_key,
        customer_key,
        case
            when sold_at_is_date then timezone(time_zone, cast(sold_on + 1 as timestamp)) - interval 1 second
            else sold_at
        end,
        sold_on,
        sold_at_is_date
    from stg_sale
),
by_lead as (
    select kind, event_key, opportunity_key
    from events
    join stg_episode using (lead_key)
),
unled as (
    select kind, event_key, customer_key, moment, sold_on, is_by_day
    from events
    where lead_key is null and customer_key is not null
),
episodes as (
    select opportunity_key, customer_key, created_at, created_on, created_at_is_date
    from stg_opportunity
    where is_sales_lead
),
latest as (
    select
        u.*,
        e.opportunity_key,
        seconds_between(
            e.created_at, u.moment, e.created_on, u.sold_on, u.is_by_day or (e.created_at_is_date and u.kind = 'sale')
        ) as seconds_since_lead
    from unled as u
    asof left join episodes as e on u.customer_key = e.customer_key and u.moment >= e.created_at
),
earliest as (
    select customer_key, arg_min(opportunity_key, created_at) as opportunity_key, min(created_at) as created_at
    from episodes
    group by customer_key
),
by_customer as (
    select
        l.kind,
        l.event_key,
        case
            when l.kind = 'sale' and l.seconds_since_lead > (select sale_link_seconds from build) then null
            when l.opportunity_key is not null then l.opportunity_key
            when l.kind <> 'sale' and epoch(e.created_at) - epoch(l.moment) <= (select episode_gap_seconds from build)
                then e.opportunity_key
        end as opportunity_key
    from latest as l
    left join earliest as e using (customer_key)
),
final as (
    select * from by_lead
    union all
    select * from by_customer where opportunity_key is not null
)
select * from final;
