-- Grain: one row per contact, appointment, visit, task, status move, sale, survey and service visit.
-- By lead id; else by the CRM's customer id; else by the CRM's own list of links; else by name and lead day where exactly
-- one lead fits. Never guessed: a record that links give to several customers belongs to none.
create temp table stg_link as
with
records as (
    select * from record_ref
),
own_leads as (
    select store, system, lead_id, lead_key, customer_key from stg_customer_lead
),
any_leads as (
    select store, lead_id, any_value(lead_key) as lead_key, any_value(customer_key) as customer_key
    from stg_customer_lead
    group by store, lead_id
    having count(*) = 1
),
own_customers as (
    select store, system, customer_id, min(customer_key) as customer_key
    from stg_customer_lead
    where customer_id is not null and not regexp_matches(customer_id, '^(0+|-1)$')
    group by store, system, customer_id
),
any_customers as (
    select store, customer_id, any_value(customer_key) as customer_key
    from own_customers
    group by store, customer_id
    having count(distinct customer_key) = 1
),
named_leads as (
    select
        store,
        name_key(customer_name) as name_key,
        created_on,
        any_value(lead_key) as lead_key,
        any_value(customer_key) as customer_key
    from stg_customer_lead
    where name_key(customer_name) <> ''
    group by 1, 2, 3
    having count(*) = 1
),
-- A link without a kind may be of a record of any table: ids that are not there join nothing.
links as (
    select
        unnest(
            case
                when k.kind is null
                    then ['contact', 'appointment', 'visit', 'task', 'sale', 'survey', 'service_visit']
                else [k.kind]
            end
        ) as kind,
        k.store,
        k.system,
        k.id,
        o.lead_key,
        coalesce(o.customer_key, c.customer_key) as customer_key
    from link_ref as k
    left join own_leads as o using (store, system, lead_id)
    left join own_customers as c on c.store = k.store and c.system = k.system and c.customer_id = k.customer_id
    where o.customer_key is not null or c.customer_key is not null
),
linked as (
    select
        kind,
        store,
        system,
        id,
        case when count(distinct lead_key) = 1 then any_value(lead_key) end as lead_key,
        any_value(customer_key) as customer_key
    from links
    group by kind, store, system, id
    having count(distinct customer_key) = 1
),
final as (
    select
        r.kind,
        r.store,
        r.system,
        r.id,
        coalesce(
            o.lead_key,
            a.lead_key,
            case
                when coalesce(c.customer_key, ac.customer_key) is not null then null
                when k.customer_key is not null then k.lead_key
                else n.lead_key
            end
        ) as lead_key,
        coalesce(
            o.customer_key, a.customer_key, c.customer_key, ac.customer_key, k.customer_key, n.customer_key
        ) as customer_key
    from records as r
    left join own_leads as o using (store, system, lead_id)
    left join any_leads as a on a.store = r.store and a.lead_id = r.lead_id
    left join own_customers as c on c.store = r.store and c.system = r.system and c.customer_id = r.customer_id
    left join any_customers as ac on ac.store = r.store and ac.customer_id = r.customer_id
    left join linked as k on k.kind = r.kind and k.store = r.store and k.system = r.system and k.id = r.id
    left join named_leads as n
        on n.store = r.store
        and n.name_key = name_key(r.customer_name)
        and n.created_on = r.lead_created_on
)
select * from final;
