/**
 * How each side knows the other: every answer of the daemon carries this header, with the version
 * of the control interface. It changes when an older command would misread a newer daemon.
 */
export const API_HEADER = 'postpace-control';
export const API_VERSION = '1';
