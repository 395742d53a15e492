-- Grain: one row per appointment, visit, sale, survey, service visit, task and status move: how it names its lead or customer.
create temp view record_ref as
select 'appointment' as kind, store, system, appointment_id as id, lead_id, customer_id, customer_name, lead_created_on
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
union all
select 'task', store, system, task_id, lead_id, customer_id, null, null
from record_task
union all
select 'status_change', store, system, status_change_id, lead_id, null, null, null
from record_status_change;

-- Grain: one row per contact, whole: the many touches are linked and keyed in one pass.
create temp view contact_ref as
select 'contact' as kind, contact_id as id, * from record_contact;
