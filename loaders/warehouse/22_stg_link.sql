-- Grain: one row per contact, appointment, visit, sale, survey and service visit that points at a lead or a customer.
-- By lead id; else by the CRM's customer id; else by name and lead day where exactly one lead fits. Never guessed.
create temp table stg_link as
with
records as (
    select 'contact' as kind, store, system, contact_id as id, lead_id, customer_id, customer_name, lead_created_on
    from record_contact
    union all
    select 'appointment', store, system, appointment_id, lead_id, customer_id, customer_name, lead_created_on
    from record_appointment
    union all
    select 'visit', store, system, visit_id, lead_id, customer_id, customer_name, lead_created_on
    from record_visit
    union all
    select 'sale', store, system, sale_id, lead_id, customer_id, customer_name, lead_created_on
    from record_sale
    union all
    select 'survey', store, system, survey_id, lead_id, customer_id, customer_name, lead_created_on
    from record_survey
    union all
    select 'service_visit', store, system, service_visit_id, lead_id, customer_id, customer_name, lead_created_on
    from record_service_visit
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
final as (
    select
        r.kind,
        r.store,
        r.system,
        r.id,
        coalesce(
            o.lead_key, a.lead_key, case when c.customer_key is null and ac.customer_key is null then n.lead_key end
        ) as lead_key,
        coalesce(
            o.customer_key, a.customer_key, c.customer_key, ac.customer_key, n.customer_key
        ) as customer_key
    from records as r
    left join own_leads as o using (store, system, lead_id)
    left join any_leads as a on a.store = r.store and a.lead_id = r.lead_id
    left join own_customers as c on c.store = r.store and c.system = r.system and c.customer_id = r.customer_id
    left join any_customers as ac on ac.store = r.store and ac.customer_id = r.customer_id
    left join named_leads as n
        on n.store = r.store
        and n.name_key = name_key(r.customer_name)
        and n.created_on = r.lead_created_on
)
select * from final;
