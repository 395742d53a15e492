-- Grain: one row per deal; records of one deal in several systems (VIN, else customer and day) are one.
create temp table stg_sale as
with
dated as (
    select
        r.*,
        case (select sale_date from build)
            when 'contract' then coalesce(r.contract_at, r.delivered_at, r.sold_at)
            when 'delivered' then coalesce(r.delivered_at, r.sold_at, r.contract_at)
            else coalesce(r.sold_at, r.contract_at, r.delivered_at)
        end as counted_at,
        case (select sale_date from build)
            when 'contract' then r.contract_at is null
            when 'delivered' then r.delivered_at is null
            else r.sold_at is null
        end as is_other_date
    from record_sale as r
),
keyed as (
    select
        key3(d.store, d.system, d.sale_id) as record_key,
        s.store_key,
        s.time_zone,
        y.is_crm,
        l.lead_key,
        l.customer_key,
        d.*,
        case counted_at
            when d.sold_at then d.sold_at_is_date
            when d.contract_at then d.contract_at_is_date
            else d.delivered_at_is_date
        end as counted_at_is_date,
        cast(timezone(s.time_zone, d.counted_at) as date) as sold_on,
        p.person_key as salesperson_key,
        q.person_key as split_with_key,
        nullif(upper(trim(d.vin)), '') as vin_key
    from dated as d
    join dim_store as s using (store)
    join deal_system as y on y.store = d.store and y.system = d.system
    join stg_link as l on l.kind = 'sale' and l.store = d.store and l.system = d.system and l.id = d.sale_id
    left join person_ref as p on p.store = d.store and p.system = d.system and p.ref = d.salesperson
    left join person_ref as q on q.store = d.store and q.system = d.system and q.ref = d.split_with
),
-- The n-th deal of a VIN in one system is the n-th deal of that VIN in another: a car can be sold twice.
by_vin as (
    select
        *,
        row_number() over (partition by store_key, vin_key, system order by counted_at, record_key) as nth_of_vin,
        row_number() over (partition by store_key, customer_key, sold_on, system order by record_key) as nth_of_day
    from keyed
),
matched as (
    select
        *,
        case when vin_key is not null then key3(store_key, vin_key, cast(nth_of_vin as varchar)) end as vin_deal,
        case
            when customer_key is not null
                then key3(store_key, customer_key || cast(sold_on as varchar), cast(nth_of_day as varchar))
        end as day_deal
    from by_vin
),
spread as (
    select
        *,
        count(*) over (partition by vin_deal) > 1 and vin_deal is not null as is_matched_by_vin,
        count(distinct vin_key) over (partition by day_deal) <= 1
        and count(*) over (partition by day_deal) > 1
        and day_deal is not null as is_matched_by_day
    from matched
),
assigned as (
    select
        *,
        case
            when is_matched_by_vin then vin_deal
            when is_matched_by_day then day_deal
            else record_key
        end as deal
    from spread
),
ranked as (
    select
        *,
        row_number() over (
            partition by deal order by lead_key is null, customer_key is null, system, record_key
        ) as rank
    from assigned
),
final as (
    select
        arg_min(record_key, rank) as sale_key,
        arg_min(store_key, rank) as store_key,
        arg_min(time_zone, rank) as time_zone,
        arg_min(sale_id, rank) as sale_id,
        arg_min(lead_key, rank) as lead_key,
        arg_min(customer_key, rank) as customer_key,
        -- The record that has the chosen date gives the date; the others stand in for it only where none has.
        arg_min(counted_at, struct_pack(is_other := is_other_date, rank := rank)) as sold_at,
        arg_min(counted_at_is_date, struct_pack(is_other := is_other_date, rank := rank)) as sold_at_is_date,
        arg_min(sold_on, struct_pack(is_other := is_other_date, rank := rank)) as sold_on,
        bool_and(is_other_date) as is_other_date,
        arg_min(delivered_at, rank) as delivered_at,
        arg_min(delivered_at_is_date, rank) as delivered_at_is_date,
        max(reversed_at) as reversed_at,
        arg_min(sale_type, rank) as sale_type,
        arg_min(vehicle_condition, rank) as vehicle_condition,
        arg_min(salesperson_key, rank) as salesperson_key,
        arg_min(split_with_key, rank) as split_with_key,
        arg_min(front_gross, rank) as front_gross,
        arg_min(back_gross, rank) as back_gross,
        arg_min(total_gross, rank) as total_gross,
        arg_min(source_file, rank) as source_file,
        arg_min(source_line, rank) as source_line,
        count(*) as record_count,
        bool_or(is_crm) as is_in_crm,
        bool_or(not is_crm) as is_in_dms,
        list(record_key) as record_keys
    from ranked
    group by deal
)
select
    *,
    sale_type in ('retail', 'lease') and reversed_at is null as is_counted,
    case
        when total_gross is not null then total_gross
        when front_gross is not null or back_gross is not null
            then coalesce(front_gross, 0) + coalesce(back_gross, 0)
    end as gross
from final;
