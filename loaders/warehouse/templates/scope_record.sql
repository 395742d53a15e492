-- Grain: one row per record of {table} in the scope.
drop view if exists record_{table};
create temp table record_{table} as
select * from all_{table} semi join scope_{table} using (store, system, {key});
