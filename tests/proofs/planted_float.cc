// What the no_float proof must find.
float planted(float a, float b) { return a * b; }
