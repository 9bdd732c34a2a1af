-- A run's own sums are written with the run and cleared away with it: looking the run up for each of them, of which a big
-- run has millions, is most of what writing them costs.
alter table bill_run_usage drop constraint if exists bill_run_usage_operator_run_fkey;
