-- Grain: one row per repair order.
create table fct_service_visit as
with
orders as (
    select
        key3(v.store, v.system, v.service_visit_id) as service_visit_key,
        s.store_key,
        coalesce(k.customer_key, 'unknown') as customer_key,
        coalesce(p.person_key, 'unassigned') as person_key,
        v.vin,
        v.opened_at,
        cast(timezone(s.time_zone, v.opened_at) as date) as opened_on,
        v.closed_at,
        v.odometer,
        v.amount,
        k.customer_key is not null as has_customer,
        v.source_file,
        v.source_line
    from record_service_visit as v
    join dim_store as s using (store)
    join stg_link as k
        on k.kind = 'service_visit' and k.store = v.store and k.system = v.system and k.id = v.service_visit_id
    left join person_ref as p on p.store = v.store and p.system = v.system and p.ref = v.advisor
),
visit_days as (
    select customer_key, opened_on, min(opened_at) as opened_at
    from orders
    where has_customer
    group by customer_key, opened_on
),
purchase_days as (
    select customer_key, sold_on, min(sold_at) as sold_at
    from stg_sale
    where is_counted and customer_key is not null
    group by customer_key, sold_on
),
final as (
    select
        o.*,
        -- So that a year counts each customer once.
        o.has_customer and row_number() over (
            partition by o.customer_key, year(o.opened_on) order by o.opened_at, o.service_visit_key
        ) = 1 as is_first_of_year,
        n.opened_on is not null as is_kept,
        n.opened_at as kept_at,
        cast(date_diff('day', o.opened_on, n.opened_on) as bigint) * 86400 as seconds_to_return,
        b.sold_on is not null as is_bought,
        b.sold_at as bought_at,
        cast(date_diff('day', o.opened_on, b.sold_on) as bigint) * 86400 as seconds_to_bought
    from orders as o
    asof left join visit_days as n on n.customer_key = o.customer_key and o.opened_on < n.opened_on
    asof left join purchase_days as b on b.customer_key = o.customer_key and o.opened_on < b.sold_on
)
select * from final order by opened_at, service_visit_key;
