-- Grain: adds the records of {table} that name a lead or customer of the scope.
create or replace temp table found_{table} as
select store, system, {key} from all_{table} semi join scope_id using (store, lead_id)
{others};

insert into scope_{table}
select distinct store, system, {key} from found_{table} anti join scope_{table} using (store, system, {key});
