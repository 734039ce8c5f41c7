-- 0002_fair_jobs: undo (keeps data). The functions are those of 0001_platform.
CREATE OR REPLACE FUNCTION platform.jobs_enqueue(job_kind text, job_refs text[], job_priority int, job_batch boolean) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
AS $$
	INSERT INTO platform.jobs (tenant_id, kind, ref, priority, batch)
	SELECT public.get_current_tenant_id(), job_kind, r.ref, job_priority, job_batch
	FROM unnest(job_refs) WITH ORDINALITY r (ref, n) ORDER BY r.n
	ON CONFLICT (tenant_id, kind, ref) WHERE state = 'QUEUED' DO NOTHING;
	NOTIFY frontdesk_jobs;
$$;
CREATE OR REPLACE FUNCTION platform.jobs_claim(by_worker text, lease_seconds int, most int)
RETURNS TABLE (id bigint, tenant_id uuid, kind text, ref text, attempts int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
	moment timestamptz := clock_timestamp();
	got platform.jobs;
	ids bigint[];
BEGIN
	SELECT * INTO got FROM platform.jobs d WHERE d.state = 'RUNNING' AND d.lease_until < moment
	ORDER BY d.lease_until LIMIT 1 FOR UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		SELECT * INTO got FROM platform.jobs d WHERE d.state = 'QUEUED' AND d.run_after <= moment
		ORDER BY d.priority DESC, d.run_after, d.id LIMIT 1 FOR UPDATE SKIP LOCKED;
	END IF;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	ids := ARRAY[got.id];
	IF got.batch AND got.attempts = 0 AND most > 1 THEN
		ids := ids || ARRAY(
			SELECT d.id FROM platform.jobs d
			WHERE d.state = 'QUEUED' AND d.run_after <= moment AND d.batch AND d.attempts = 0
			  AND d.kind = got.kind AND d.tenant_id = got.tenant_id AND d.id <> got.id
			ORDER BY d.priority DESC, d.run_after, d.id LIMIT most - 1 FOR UPDATE SKIP LOCKED);
	END IF;
	RETURN QUERY UPDATE platform.jobs j SET state = 'RUNNING', worker = by_worker, attempts = j.attempts + 1,
		lease_until = moment + make_interval(secs => lease_seconds)
	WHERE j.id = ANY (ids) RETURNING j.id, j.tenant_id, j.kind, j.ref, j.attempts;
END
$$;
CREATE OR REPLACE FUNCTION platform.jobs_extend(job_ids bigint[], by_worker text, lease_seconds int) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
AS $$
	WITH u AS (UPDATE platform.jobs SET lease_until = clock_timestamp() + make_interval(secs => lease_seconds)
		   WHERE id = ANY (job_ids) AND worker = by_worker AND state = 'RUNNING' RETURNING 1)
	SELECT count(*) FROM u
$$;
CREATE OR REPLACE FUNCTION platform.job_retry(job bigint, by_worker text, delay_seconds int, why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
	UPDATE platform.jobs SET state = 'QUEUED', worker = NULL, lease_until = NULL, reason = why,
		run_after = clock_timestamp() + make_interval(secs => delay_seconds)
	WHERE id = job AND worker = by_worker AND state = 'RUNNING';
	RETURN FOUND;
EXCEPTION WHEN unique_violation THEN
	DELETE FROM platform.jobs WHERE id = job AND worker = by_worker AND state = 'RUNNING';
	RETURN FOUND;
END
$$;
DROP INDEX platform.jobs_due;
CREATE INDEX jobs_due ON platform.jobs (priority DESC, run_after, id) WHERE state = 'QUEUED';
ALTER TABLE platform.jobs DROP COLUMN place;
