-- Timestamps of this session are read and shown in UTC.
set timezone to 'UTC'
