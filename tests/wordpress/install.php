<?php
require __DIR__ . '/request.php';
define( 'WP_INSTALLING', true );
$link = mysqli_connect( 'localhost', 'root', '', '', 0, getenv( 'WP_SOCKET' ) );
mysqli_query( $link, 'CREATE DATABASE wordpress CHARACTER SET utf8mb4' );
require getenv( 'WP' ) . '/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install( 'Old blog', 'anna', 'anna@old.example', true, '', 'a password' );
wp_delete_post( 1, true ); // Hello world!
update_option( 'timezone_string', 'Europe/Berlin' );
update_option( 'comment_previously_approved', 0 );
$wp_rewrite->init();
$wp_rewrite->set_permalink_structure( '/%year%/%monthnum%/%postname%/' );
