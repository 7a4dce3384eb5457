"""stub"""
def build_reference_page(*, document): return "<html></html>"
