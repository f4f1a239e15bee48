"""Long work: watched and canceled over HTTP, brought to its workers, and found again where a worker was lost."""
