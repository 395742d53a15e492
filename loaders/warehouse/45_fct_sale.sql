-- Grain: one row per deal and credited salesperson: a split deal has two rows of one half each.
create table fct_sale as
with
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
        coalesce(o.has_known_spend, false) as has_known_spend
    from stg_sale as s
    left join stg_event_episode as e on e.kind = 'sale' and e.event_key = s.sale_key
    left join fct_opportunity as o using (opportunity_key)
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
        reversed_at,
        cast(timezone(time_zone, reversed_at) as date) as reversed_on,
        weight,
        is_counted,
        front_gross,
        back_gross,
        gross,
        -- Halves in thousandths, so that two of them sum to the cent they were split from.
        cast(cast(gross as decimal(18, 3)) * cast(weight as decimal(2, 1)) as decimal(18, 3)) as weighted_gross,
        gross is not null as has_known_gross,
        has_known_spend,
        opportunity_key is not null as is_open_to_cohort,
        sale_id,
        source_file,
        source_line
    from weighed
)
select * from final order by sold_at, sale_key, sale_line_key;
