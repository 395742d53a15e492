-- Grain: one row per version of a record of {table} that the last snapshot held or that stands now.
create temp view version_{table} as
select {columns} from snapshot.canonical.{table}
union all
select {columns} from previous.canonical.{table} semi join changed_{table} using (store, system, {key});
