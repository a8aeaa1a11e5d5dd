"""What people look at: pages, charts and the browser of rows, drawn from what the spine says."""
