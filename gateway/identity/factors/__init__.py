"""Second factors: enrolment, proof, recovery, and the forms that wait for one."""
