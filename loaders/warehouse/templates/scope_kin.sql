-- Grain: adds deals of the same car, appointments of the same chain, and surveys and moves of a deal with their deal.
insert into scope_sale
select distinct s.store, s.system, s.sale_id
from all_sale as s
anti join scope_sale using (store, system, sale_id)
where (s.store, upper(trim(s.vin))) in (
    select (store, upper(trim(vin)))
    from version_sale semi join scope_sale using (store, system, sale_id)
    where vin is not null
)
or (s.store, s.sale_id) in (
    select (store, sale_id)
    from version_survey semi join scope_survey using (store, system, survey_id)
    where sale_id is not null
    union all
    select (store, sale_id)
    from version_status_change semi join scope_status_change using (store, system, status_change_id)
    where sale_id is not null
);

insert into scope_survey
select distinct store, system, survey_id
from all_survey
anti join scope_survey using (store, system, survey_id)
where (store, sale_id) in (select (store, sale_id) from scope_sale);

insert into scope_status_change
select distinct store, system, status_change_id
from all_status_change
anti join scope_status_change using (store, system, status_change_id)
where (store, sale_id) in (select (store, sale_id) from scope_sale);

insert into scope_appointment
select distinct a.store, a.system, a.appointment_id
from all_appointment as a
anti join scope_appointment using (store, system, appointment_id)
where (a.store, a.system, a.rescheduled_to) in (select (store, system, appointment_id) from scope_appointment)
or (a.store, a.system, a.appointment_id) in (
    select (store, system, rescheduled_to)
    from version_appointment semi join scope_appointment using (store, system, appointment_id)
    where rescheduled_to is not null
);
