-- Grain: one row per lead id of a system.
create temp table lead_of_id as
select store, system, lead_id, lead_key, customer_key from stg_lead;

-- Grain: one row per lead id that only one system of the store knows.
create temp table lead_of_any_id as
select
    store,
    lead_id,
    any_value(lead_key) as lead_key,
    any_value(customer_key) as customer_key
from lead_of_id
group by store, lead_id
having count(*) = 1;

-- Grain: one row per customer id of a system.
create temp table customer_of_id as
select store, system, customer_id, min(customer_key) as customer_key
from stg_lead
where customer_id is not null and not regexp_matches(customer_id, '^(0+|-1)$')
group by store, system, customer_id;

-- Grain: one row per customer id that means one customer in all systems of the store.
create temp table customer_of_any_id as
select store, customer_id, any_value(customer_key) as customer_key
from customer_of_id
group by store, customer_id
having count(distinct customer_key) = 1;

-- Grain: one row per name and day that fit exactly one lead of the store.
create temp table lead_of_name as
select
    store,
    name_key,
    created_on,
    any_value(lead_key) as lead_key,
    any_value(customer_key) as customer_key
from stg_lead
where name_key <> ''
group by store, name_key, created_on
having count(*) = 1;

-- Grain: one row per record that the CRM's own list of links gives to exactly one customer.
create temp table lead_of_link as
with
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
    left join lead_of_id as o using (store, system, lead_id)
    left join customer_of_id as c on c.store = k.store and c.system = k.system and c.customer_id = k.customer_id
    where o.customer_key is not null or c.customer_key is not null
)
select
    kind,
    store,
    system,
    id,
    case when count(distinct lead_key) = 1 then any_value(lead_key) end as lead_key,
    any_value(customer_key) as customer_key
from links
group by kind, store, system, id
having count(distinct customer_key) = 1;

-- The records of a relation, each with its lead and its customer.
-- By lead id; else by the CRM's customer id; else by the CRM's own list of links; else by name and lead day where exactly
-- one lead fits. Never guessed: a record that links give to several customers belongs to none.
-- Most records name a lead of their own system: the other ways look up nothing for those.
create temp macro linked(records) as table
with
direct as (
    select
        r.*,
        o.lead_key as own_lead_key,
        o.customer_key as own_customer_key,
        case when o.lead_key is null then r.store end as open_store,
        case when o.lead_key is null then name_key(r.customer_name) end as open_name_key
    from query_table(records) as r
    left join lead_of_id as o using (store, system, lead_id)
)
select
    r.* exclude (own_lead_key, own_customer_key, open_store, open_name_key),
    coalesce(
        r.own_lead_key,
        a.lead_key,
        case
            when coalesce(c.customer_key, ac.customer_key) is not null then null
            when k.customer_key is not null then k.lead_key
            else n.lead_key
        end
    ) as lead_key,
    coalesce(
        r.own_customer_key, a.customer_key, c.customer_key, ac.customer_key, k.customer_key, n.customer_key
    ) as customer_key
from direct as r
left join lead_of_any_id as a on a.store = r.open_store and a.lead_id = r.lead_id
left join customer_of_id as c on c.store = r.open_store and c.system = r.system and c.customer_id = r.customer_id
left join customer_of_any_id as ac on ac.store = r.open_store and ac.customer_id = r.customer_id
left join lead_of_link as k on k.kind = r.kind and k.store = r.open_store and k.system = r.system and k.id = r.id
left join lead_of_name as n
    on n.store = r.open_store
    and n.created_on = r.lead_created_on
    and n.name_key = r.open_name_key;

-- Grain: one row per appointment, visit, task, status move, sale, survey and service visit.
create temp table stg_link as
select kind, store, system, id, lead_key, customer_key from linked('record_ref');
