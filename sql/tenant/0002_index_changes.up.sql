-- 0002_index_changes: the sum of n names a state of the index; a row a commit that adds, removes or embeds
-- chunks, merged in time. lib/retrieval keeps what it found for a question as long as the sum is the same.
CREATE TABLE index_changes (
	id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	tenant_id uuid   NOT NULL,
	n         bigint NOT NULL DEFAULT 1
);
SELECT platform.wall('index_changes');
SELECT platform.grant_tenant('SELECT, INSERT, UPDATE, DELETE', 'index_changes');
