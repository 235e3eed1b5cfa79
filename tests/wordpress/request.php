<?php
// What each script needs before WordPress: a request as a browser would have made, and no mail.
ini_set( 'error_log', '' );
$_SERVER += array( 'HTTP_HOST' => 'old.example', 'REQUEST_METHOD' => 'GET', 'REMOTE_ADDR' => '192.0.2.1', 'HTTP_USER_AGENT' => 'test' );
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
$_SERVER['REQUEST_URI']     = '/';
$_SERVER['HTTPS']           = 'on';
// WordPress defines it only if nobody did before.
function wp_mail() {
	return true;
}
