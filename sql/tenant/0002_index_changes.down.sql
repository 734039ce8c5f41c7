-- 0002_index_changes: undo.
DROP TABLE index_changes;
