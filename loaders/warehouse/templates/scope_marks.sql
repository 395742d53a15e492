-- Grain: the marks of the leads in the scope are written again.
delete from snapshot.build.lead_mark where lead_key in (select lead_key from scope_lead);

insert into snapshot.build.lead_mark by name from lead_mark;
