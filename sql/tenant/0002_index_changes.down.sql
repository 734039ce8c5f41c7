-- 0002_index_changes: undo (keeps data).
DROP TABLE index_changes;
