-- Grain: one row per customer of whom a lead was erased: the customer as a build would show them (21_dim_customer.sql).
create temp table erased_customer as
select
    customer_key,
    coalesce(
        shown_name(arg_max(customer_name, struct_pack(moment := created_at, key := lead_key))), '(no name)'
    ) as customer,
    shown_contact(arg_max(email, struct_pack(moment := created_at, key := lead_key))) as email,
    shown_contact(arg_max(phone, struct_pack(moment := created_at, key := lead_key))) as phone
from snapshot.main.bridge_customer_lead
where customer_key in (
    select customer_key
    from snapshot.main.bridge_customer_lead
    where shown_name(customer_name) = '(erased)'
    or (email is not null and shown_contact(email) is null)
    or (phone is not null and shown_contact(phone) is null)
    or (phone_2 is not null and shown_contact(phone_2) is null)
)
group by customer_key;

-- Grain: one row per customer of a store, and "(unknown)".
create table snapshot.main.dim_customer as
select
    d.* replace (
        case when e.customer_key is null then d.customer else e.customer end as customer,
        case when e.customer_key is null then d.email else e.email end as email,
        case when e.customer_key is null then d.phone else e.phone end as phone
    )
from previous.main.dim_customer as d
left join erased_customer as e using (customer_key)
order by d.rowid;
