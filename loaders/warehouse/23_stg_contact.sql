-- Grain: one row per logged touch, with its person and its lead or customer.
create temp table stg_contact as
select
    key3(c.store, c.system, c.id) as contact_key,
    c.store,
    c.id as contact_id,
    c.lead_key,
    c.customer_key,
    coalesce(p.person_key, 'unassigned') as person_key,
    c.occurred_at,
    c.recorded_at,
    c.direction,
    c.channel,
    c.result,
    not c.is_automated and not coalesce(p.is_machine, false) as is_human,
    -- An out-of-office reply is no word of the customer.
    c.direction = 'in' and not c.is_automated as is_by_customer,
    c.source_file,
    c.source_line
from linked('contact_ref') as c
left join (select r.*, d.is_machine from person_ref as r join dim_person as d using (person_key)) as p
    on p.store = c.store and p.system = c.system and p.ref = c.person;
