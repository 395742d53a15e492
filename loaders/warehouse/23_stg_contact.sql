-- Grain: one row per logged touch, with its person and its lead or customer.
create temp table stg_contact as
with
final as (
    select
        key3(c.store, c.system, c.contact_id) as contact_key,
        s.store_key,
        s.time_zone,
        l.lead_key,
        l.customer_key,
        coalesce(p.person_key, 'unassigned') as person_key,
        c.occurred_at,
        c.direction,
        c.channel,
        c.result,
        not c.is_automated and not coalesce(d.is_machine, false) as is_human,
        -- An out-of-office reply is no word of the customer.
        c.direction = 'in' and not c.is_automated as is_by_customer
    from record_contact as c
    join dim_store as s using (store)
    join stg_link as l
        on l.kind = 'contact' and l.store = c.store and l.system = c.system and l.id = c.contact_id
    left join person_ref as p on p.store = c.store and p.system = c.system and p.ref = c.person
    left join dim_person as d on d.person_key = p.person_key
)
select * from final;
