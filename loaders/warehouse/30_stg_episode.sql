-- Grain: one row per lead: the buying episode (opportunity) it belongs to.
-- An episode ends with a long silence of customer and staff, or with a counted sale; machines do not keep it alive.
create temp table stg_episode as
with
activity as (
    select customer_key, is_sales_lead, lead_key, created_at as moment, 1 as step, false as is_sale
    from stg_customer_lead
    union all
    select c.customer_key, coalesce(l.is_sales_lead, true), null, c.occurred_at, 2, false
    from stg_contact as c
    left join stg_customer_lead as l using (lead_key)
    where c.customer_key is not null and (c.direction = 'in' or c.is_human)
    union all
    select a.customer_key, coalesce(l.is_sales_lead, true), null, unnest([a.set_at, a.shown_at]), 2, false
    from stg_appointment as a
    left join stg_customer_lead as l using (lead_key)
    where a.customer_key is not null
    union all
    select k.customer_key, coalesce(l.is_sales_lead, true), null, v.arrived_at, 2, false
    from record_visit as v
    join stg_link as k on k.kind = 'visit' and k.store = v.store and k.system = v.system and k.id = v.visit_id
    left join stg_customer_lead as l on l.lead_key = k.lead_key
    where k.customer_key is not null
    union all
    -- A sale known only by its day happened at the end of that day; a sale never comes before its own lead.
    select
        s.customer_key,
        true,
        null,
        greatest(
            case
                when s.sold_at_is_date then timezone(s.time_zone, cast(s.sold_on + 1 as timestamp)) - interval 1 second
                else s.sold_at
            end,
            l.created_at
        ),
        3,
        true
    from stg_sale as s
    left join stg_customer_lead as l using (lead_key)
    where s.customer_key is not null and s.is_counted
),
steps as (
    select
        *,
        lag(moment) over customer as moment_before,
        lag(is_sale) over customer as is_sale_before
    from activity
    where moment is not null
    window customer as (partition by customer_key, is_sales_lead order by moment, step, lead_key)
),
numbered as (
    select
        *,
        sum(
            case
                when is_sale_before or epoch(moment) - epoch(moment_before) > (select episode_gap_seconds from build) then 1
                else 0
            end
        ) over (
            partition by customer_key, is_sales_lead order by moment, step, lead_key rows unbounded preceding
        ) as episode
    from steps
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
    l.* exclude (salesperson_key, bdc_agent_key)
from (select distinct opportunity_key, first_lead_key from stg_episode) as e
join stg_customer_lead as l on l.lead_key = e.first_lead_key;

-- Grain: one row per contact, appointment, visit, sale or survey that belongs to an episode.
-- By its lead; else the customer's latest episode at that time; a touch may also precede the first episode by less than the gap.
create temp table stg_event_episode as
with
events as (
    select 'contact' as kind, contact_key as event_key, lead_key, customer_key, occurred_at as moment from stg_contact
    union all
    select 'appointment', appointment_key, lead_key, customer_key, coalesce(set_at, due_at) from stg_appointment
    union all
    select 'visit', key3(v.store, v.system, v.visit_id), k.lead_key, k.customer_key, v.arrived_at
    from record_visit as v
    join stg_link as k on k.kind = 'visit' and k.store = v.store and k.system = v.system and k.id = v.visit_id
    union all
    select 'survey', key3(v.store, v.system, v.survey_id), k.lead_key, k.customer_key, v.answered_at
    from record_survey as v
    join stg_link as k on k.kind = 'survey' and k.store = v.store and k.system = v.system and k.id = v.survey_id
    union all
    select
        'sale',
        sale_key,
        lead_key,
        customer_key,
        case
            when sold_at_is_date then timezone(time_zone, cast(sold_on + 1 as timestamp)) - interval 1 second
            else sold_at
        end
    from stg_sale
),
by_lead as (
    select kind, event_key, opportunity_key
    from events
    join stg_episode using (lead_key)
),
unled as (
    select kind, event_key, customer_key, moment
    from events
    where lead_key is null and customer_key is not null
),
episodes as (
    select opportunity_key, customer_key, created_at from stg_opportunity where is_sales_lead
),
latest as (
    select u.kind, u.event_key, u.customer_key, u.moment, e.opportunity_key, e.created_at
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
            when l.kind = 'sale' and l.moment - l.created_at > to_seconds((select sale_link_seconds from build)) then null
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
