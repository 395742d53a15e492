-- Grain: one row per version that the previous snapshot holds, without what a file gave that is read anew: only its
-- latest reading counts, since settings or a profile may have been mended between the two.
select p.*
from previous.canonical.{table} as p
where not exists (
    from incoming_{table} as i
    where i.file_hash = p.file_hash and i.source_file = p.source_file
    and i.source_sheet is not distinct from p.source_sheet and i.store = p.store
)
