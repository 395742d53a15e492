-- Grain: one row per deal and credited salesperson: a split deal has two rows of one half each.
create table fct_sale as
with
-- A customer who came back: bought again or brought a car to service, on a later day than the sale.
returns as (
    select customer_key, sold_at as came_at, sold_on as came_on
    from stg_sale
    where is_counted
    union all
    select k.customer_key, v.opened_at, cast(timezone(s.time_zone, v.opened_at) as date)
    from record_service_visit as v
    join dim_store as s using (store)
    join stg_link as k
        on k.kind = 'service_visit' and k.store = v.store and k.system = v.system and k.id = v.service_visit_id
),
first_returns as (
    select customer_key, came_on, min(came_at) as came_at
    from returns
    where customer_key is not null
    group by customer_key, came_on
),
bought as (
    select
        sale_key,
        max(sold_on) over (
            partition by customer_key order by sold_on
            range between unbounded preceding and interval 1 day preceding
        ) as bought_before_on
    from stg_sale
    where is_counted and customer_key is not null
),
surveyed_deals as (
    select sale_key, min(answered_at) as answered_at
    from fct_survey
    where is_about_sales and sale_key is not null
    group by sale_key
),
surveyed_episodes as (
    select opportunity_key, min(answered_at) as answered_at
    from fct_survey
    where is_about_sales and opportunity_key is not null
    group by opportunity_key
),
attached as (
    select
        s.* exclude (salesperson_key),
        e.opportunity_key,
        o.source_key,
        o.lead_type,
        coalesce(o.vehicle_condition, s.vehicle_condition, '(not given)') as shared_condition,
        coalesce(s.salesperson_key, s.split_with_key, 'unassigned') as salesperson_key,
        coalesce(o.bdc_agent_key, 'unassigned') as bdc_agent_key,
        o.created_at,
        o.created_on,
        coalesce(o.has_known_spend, false) as has_known_spend,
        d.has_contact_log,
        d.has_survey_log,
        d.has_service_log,
        d.has_two_deal_logs,
        coalesce(cast(timezone(s.time_zone, least(o.first_attempt_at, o.first_reply_at)) as date) <= s.sold_on, false)
            as is_contact_logged,
        coalesce(v.answered_at, w.answered_at) as survey_answered_at,
        b.bought_before_on,
        r.came_at as kept_at,
        r.came_on as kept_on
    from stg_sale as s
    join dim_store as d using (store_key)
    left join bought as b using (sale_key)
    left join surveyed_deals as v using (sale_key)
    asof left join first_returns as r on r.customer_key = s.customer_key and s.sold_on < r.came_on
    left join stg_event_episode as e on e.kind = 'sale' and e.event_key = s.sale_key
    left join fct_opportunity as o using (opportunity_key)
    left join surveyed_episodes as w using (opportunity_key)
),
credited as (
    select *, salesperson_key as credited_key, 1 as part from attached
    union all
    select *, split_with_key, 2 from attached where split_with_key <> salesperson_key
),
weighed as (
    select *, cast(1 as double) / count(*) over (partition by sale_key) as weight from credited
),
final as (
    select
        key3(sale_key, cast(part as varchar), '') as sale_line_key,
        sale_key,
        opportunity_key,
        store_key,
        coalesce(customer_key, 'unknown') as customer_key,
        coalesce(source_key, 'no_lead') as source_key,
        coalesce(lead_type, '(no lead)') as lead_type,
        shared_condition as vehicle_condition,
        credited_key as salesperson_key,
        bdc_agent_key,
        sale_type,
        sold_at,
        sold_on,
        created_at,
        created_on,
        delivered_at,
        cast(timezone(time_zone, delivered_at) as date) as delivered_on,
        reversed_at,
        cast(timezone(time_zone, reversed_at) as date) as reversed_on,
        weight,
        is_counted,
        sale_type in ('retail', 'lease') and reversed_at is not null as is_unwound,
        part = 1 as is_first_line,
        customer_key is not null as has_customer,
        bought_before_on is not null as is_repeat,
        coalesce(lead_type = 'referral', false) as is_referral,
        opportunity_key is null as is_without_lead,
        has_contact_log,
        is_contact_logged,
        has_survey_log,
        has_service_log,
        has_two_deal_logs,
        is_in_crm,
        is_in_dms,
        survey_answered_at is not null as is_surveyed,
        survey_answered_at,
        kept_at is not null as is_kept,
        kept_at,
        cast(date_diff('day', sold_on, kept_on) as bigint) * 86400 as seconds_to_return,
        cast(date_diff('day', bought_before_on, sold_on) as bigint) * 86400 as seconds_owned,
        front_gross,
        back_gross,
        gross,
        -- Halves in thousandths, so that two of them sum to the cent they were split from.
        cast(cast(gross as decimal(18, 3)) * cast(weight as decimal(2, 1)) as decimal(18, 3)) as weighted_gross,
        cast(cast(front_gross as decimal(18, 3)) * cast(weight as decimal(2, 1)) as decimal(18, 3)) as weighted_front_gross,
        cast(cast(back_gross as decimal(18, 3)) * cast(weight as decimal(2, 1)) as decimal(18, 3)) as weighted_back_gross,
        gross is not null as has_known_gross,
        front_gross is not null as has_known_front_gross,
        back_gross is not null as has_known_back_gross,
        has_known_spend,
        opportunity_key is not null as is_open_to_cohort,
        sale_id,
        source_file,
        source_line
    from weighed
)
select * from final order by sold_at, sale_key, sale_line_key;
