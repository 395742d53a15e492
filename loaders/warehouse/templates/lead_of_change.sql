-- Grain: one row per lead that changed: its state now.
create or replace temp view record_lead as
select * from all_lead semi join changed_lead using (store, system, lead_id);
