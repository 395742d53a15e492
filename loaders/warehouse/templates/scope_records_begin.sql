-- Grain: one row per record of {table} that the changes may reach.
create temp table scope_{table} as
select store, system, {key} from changed_{table};
