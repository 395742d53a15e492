-- Grain: one row per lead of the scope.
drop view if exists record_lead;
create temp table record_lead as
select * from all_lead where key3(store, system, lead_id) in (select lead_key from scope_lead);
