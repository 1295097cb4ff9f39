-- See what another connection's transaction sees.
set transaction snapshot {state}
