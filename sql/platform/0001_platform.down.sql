-- 0001_platform: undo, with every tenant that is registered. The runner asks first. Roles of the
-- install stay: they are the cluster's, other databases may use them.
SELECT platform.tenant_remove(id) FROM platform.tenants;
DROP SCHEMA tenant_template CASCADE;
DROP FUNCTION public.create_tenant_schema(text);
DROP TABLE platform.jobs;
DROP FUNCTION platform.schema_name_of(text), platform.clone_statements(name), platform.grant_tenant(text, text),
	platform.wall(text, text), platform.tenant_add(text, text, jsonb), platform.tenant_remove(uuid),
	platform.tenant_find(text), platform.take_ids(regclass, bigint), platform.jobs_enqueue(text, text[], int, boolean), platform.jobs_claim(text, int, int),
	platform.jobs_extend(bigint[], text, int), platform.job_retry(bigint, text, int, text),
	platform.job_fail(bigint, text, text), platform.jobs_guard(bigint[], text), platform.jobs_settle(bigint[], text),
	platform.jobs_count(), platform.schema_version(), platform.tenant_entered();
DROP TABLE platform.tenants;
DROP FUNCTION public.get_current_tenant_id();
