<?php
require __DIR__ . '/request.php';
require getenv( 'WP' ) . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/export.php';
ob_start();
export_wp( array( 'content' => 'all' ) );
ob_end_flush();
