-- Grain: the findings about records and opportunities in the scope, and those about the data as a whole, are written again.
delete from snapshot.main.data_finding
where record_key is null or record_key in (select kind || ' ' || key from scope_key);

insert into snapshot.main.data_finding by name select * from part.main.data_finding;
