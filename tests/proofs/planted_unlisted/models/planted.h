// A folder that no layer is for.
