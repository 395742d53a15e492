-- Grain: adds to the deal records one row per lead that its CRM calls sold, at stores that have no deal record at all.
-- Like the CRM's own first-contact time where nobody logs contacts: better than a store that seems never to sell.
create temp table deals_of_leads as
select
    store,
    system,
    'lead ' || lead_id as sale_id,
    lead_id,
    crm_sold_at as sold_at,
    false as sold_at_is_date,
    false as contract_at_is_date,
    false as delivered_at_is_date,
    'retail' as sale_type,
    vehicle_condition,
    salesperson,
    crm_total_gross as total_gross,
    source_file,
    source_line
from record_lead
where crm_sold_at is not null and store not in (select store from record_sale);

insert into record_sale by name
select * from deals_of_leads;
