<?php
// Articles and comments of every sort.
require __DIR__ . '/request.php';
require getenv( 'WP' ) . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/admin.php';
add_filter( 'wp_is_comment_flood', '__return_false', 99 );
remove_all_filters( 'comment_flood_filter' );
remove_all_filters( 'check_comment_flood' );

function article( $title, $more = array() ) {
	return wp_insert_post(
		wp_slash( $more + array( 'post_title' => $title, 'post_content' => "<p>$title</p>", 'post_status' => 'publish', 'post_author' => 1, 'post_date' => '2024-05-01 12:00:00', 'comment_status' => 'open' ) )
	);
}

/** Another date for each, in the blog's zone. */
function dates() {
	static $minute = 0;
	$local = gmdate( 'Y-m-d H:i:s', strtotime( '2024-05-03 10:00:00 UTC' ) + 60 * $minute++ );
	return array( 'comment_date' => $local, 'comment_date_gmt' => get_gmt_from_date( $local ) );
}

/** A comment as plugins and importers add it. */
function comment( $post, $text, $more = array() ) {
	return wp_insert_comment(
		wp_slash(
			$more + dates() + array( 'comment_post_ID' => $post, 'comment_content' => $text, 'comment_author' => 'Bea', 'comment_author_email' => 'bea@mail.example', 'comment_author_IP' => '203.0.113.5', 'comment_approved' => 1, 'comment_type' => 'comment' )
		)
	);
}

/** A comment as the form under an article sends it. */
function typed( $post, $text, $more = array() ) {
	$made = wp_handle_comment_submission( $more + array( 'comment_post_ID' => $post, 'comment' => $text, 'author' => 'Cem', 'email' => 'cem@mail.example', 'url' => '', 'comment_parent' => 0 ) );
	is_wp_error( $made ) && exit( "refused: $text: " . $made->get_error_message() );
	$GLOBALS['wpdb']->update( $GLOBALS['wpdb']->comments, dates() + array( 'comment_approved' => 1 ), array( 'comment_ID' => $made->comment_ID ) );
	return (int) $made->comment_ID;
}

$bridge  = article( 'Über die Brücke & zurück' );
$phone   = article( 'The phone', array( 'post_date' => '2024-06-02 23:30:00' ) );
$kana    = article( '日本語の題名' );
$draft   = article( 'Not yet', array( 'post_status' => 'draft' ) );
$private = article( 'Only mine', array( 'post_status' => 'private' ) );
$secret  = article( 'With a password', array( 'post_password' => 'sesame' ) );
$page    = article( 'About', array( 'post_type' => 'page' ) );
$closed  = article( 'Closed', array( 'comment_status' => 'closed' ) );

$first  = comment( $bridge, 'first' );
$second = comment( $bridge, 'second', array( 'comment_parent' => $first ) );
$third  = comment( $bridge, 'third', array( 'comment_parent' => $second ) );
comment( $bridge, 'by the author', array( 'comment_parent' => $third, 'user_id' => 1, 'comment_author' => 'anna', 'comment_author_email' => 'anna@old.example' ) );
comment( $bridge, 'pending', array( 'comment_approved' => 0 ) );
$spam = comment( $bridge, 'spam' );
comment( $bridge, 'reply to spam', array( 'comment_parent' => $spam ) );
wp_spam_comment( $spam );
$trash = comment( $bridge, 'trash' );
comment( $bridge, 'reply to trash', array( 'comment_parent' => $trash ) );
wp_trash_comment( $trash );
comment( $bridge, '[&#8230;] as Anna wrote, <strong>the bridge</strong> is closed [&#8230;]', array( 'comment_type' => 'pingback', 'comment_author' => 'The river &amp; I &raquo; Blog of Dora', 'comment_author_email' => '', 'comment_author_url' => 'https://dora.example/river?a=1' ) );
comment( $phone, "<strong>Phones &amp; more</strong>\n\nAn excerpt&#8230;", array( 'comment_type' => 'trackback', 'comment_author' => 'Blog of Emil', 'comment_author_email' => '', 'comment_author_url' => 'https://emil.example/phones' ) );
typed( $bridge, "See <a href=\"https://c.example/?a=1&b=2\">there</a>, <strong>strong</strong>, <em>em</em>\nnext line\n\nnext paragraph\n<blockquote>quoted</blockquote>" );
typed( $bridge, 'emoji 👍🏽 👩‍👩‍👧 𝒳', array( 'author' => 'Zoë 🦊' ) );
typed( $bridge, 'address typed', array( 'url' => 'https://f.example/?p=1&q=2' ) );
comment( $bridge, 'address of a plugin', array( 'comment_author_url' => 'https://f.example/?p=1&q=2' ) );
typed( $bridge, 'My name is "odd" — it’s \\backslashed\\', array( 'author' => 'O\'Brien & "Söhne"' ) );
comment( $bridge, 'nobody', array( 'comment_author' => '', 'comment_author_email' => '' ) );
comment( $bridge, "control \x0b\x08 signs" );
comment( $bridge, 'winter', array( 'comment_date' => '2024-12-01 12:00:00', 'comment_date_gmt' => '2024-12-01 11:00:00' ) );
typed( $kana, '日本語のコメント' );
typed( $page, 'on a page' );
comment( $closed, 'on a closed one' );
comment( $draft, 'on a draft' );
comment( $private, 'on a private one' );
comment( $secret, 'on one with a password' );
$picture = array( 'post_title' => 'Picture', 'post_mime_type' => 'image/png', 'post_status' => 'inherit', 'comment_status' => 'open' );
comment( wp_insert_attachment( $picture, false, $bridge ), 'on a picture' );
comment( wp_insert_attachment( $picture, false, $private ), 'on a private picture' );
