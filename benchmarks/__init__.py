"""What chainkit costs, measured against a raw HTTP client, the vendor's SDK and its peers, in one run."""
