-- Grain: one row per lead, in stg_lead: those that are not their customer's first take that one's key (loaders/identity.py).
update stg_lead
set customer_key = c.customer_key
from lead_customer as c
where c.lead_key = stg_lead.lead_key and c.customer_key <> c.lead_key;

-- Grain: one row per lead: its customer, and the marks by which leads of one customer are known.
create table bridge_customer_lead as
select
    customer_key,
    lead_key,
    store,
    system,
    lead_id,
    created_at,
    customer_id,
    customer_name,
    email,
    phone,
    phone_2,
    merged_into
from stg_lead
order by customer_key, created_at, lead_key;

-- Grain: one row per customer of a store, and "(unknown)".
create table dim_customer as
with
customers as (
    select
        customer_key,
        any_value(store_key) as store_key,
        coalesce(
            shown_name(arg_max(customer_name, struct_pack(moment := created_at, key := lead_key))), '(no name)'
        ) as customer,
        shown_contact(arg_max(email, struct_pack(moment := created_at, key := lead_key))) as email,
        shown_contact(arg_max(phone, struct_pack(moment := created_at, key := lead_key))) as phone,
        count(*) as lead_count
    from stg_lead
    group by customer_key
),
final as (
    select * from customers
    union all
    select 'unknown', '', '(unknown)', null, null, 0
)
select * from final order by customer_key;
