<?php
// What WordPress's importer does with each comment of a file, by the functions of its core that it calls: prints the
// names of those that it takes for new. The importer itself is a plugin, and in no package.
require __DIR__ . '/request.php';
require getenv( 'WP' ) . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/admin.php';
$file = new DOMDocument();
$file->load( getenv( 'WP_FILE' ) );
$text = function ( $element, $name ) {
	$found = $element->getElementsByTagNameNS( 'http://wordpress.org/export/1.2/', $name );
	return $found->length ? $found[0]->textContent : '';
};
foreach ( $file->getElementsByTagName( 'item' ) as $item ) {
	$post = post_exists( $item->getElementsByTagName( 'title' )[0]->textContent, '', $text( $item, 'post_date' ) );
	echo $post ? '' : 'no article: ' . $text( $item, 'post_date' ) . "\n";
	foreach ( $item->getElementsByTagNameNS( 'http://wordpress.org/export/1.2/', 'comment' ) as $comment ) {
		if ( ! comment_exists( $text( $comment, 'comment_author' ), $text( $comment, 'comment_date' ) ) ) {
			echo 'new: ' . $text( $comment, 'comment_content' ) . "\n";
		}
	}
}
